"""What removal protection leaves alone.

A component that is given `protect=True` hands it to its children: what has an identity or keeps data cannot be deleted
then. What updates make anew or take away every day must not be stopped by it.
"""

import pulumi


def replaceable(component: pulumi.ComponentResource) -> pulumi.ResourceOptions:
    """Options of a child that says who may do what, or is made of this repository: never protected."""
    return pulumi.ResourceOptions(parent=component, protect=False)
