"""What every resource of the throw-away program has in common: its parent, where it is, how it is named."""

import pulumi

from toolgate.components.iam import iam_documents, iam_propagation
from toolgate.components.iam.iam_documents import AwsEnvironment

PATH = "/toolgate-probe/"
"""IAM path of the callers' roles: `aws iam list-roles --path-prefix /toolgate-probe/` finds what a run left behind."""


class Scratch(pulumi.ComponentResource):
    """Parent of the raw resources.

    Attributes:
        here: Partition, Region and account.
        opts: For a resource that IAM's delay may hit: the parent, and the components' own way to try again.
        unhooked: For one whose refusal is the observation.
    """

    here: AwsEnvironment
    opts: pulumi.ResourceOptions
    unhooked: pulumi.ResourceOptions

    def __init__(self) -> None:
        super().__init__("toolgate:probe:Scratch", "scratch", {})
        self.here = iam_documents.current_environment(self)
        self.unhooked = pulumi.ResourceOptions(parent=self)
        self.opts = pulumi.ResourceOptions(parent=self, hooks=iam_propagation.retry(self, "scratch", self.here))
        self.register_outputs({})

    def after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        """The options of a resource that waits for others."""
        return self.opts.merge(pulumi.ResourceOptions(depends_on=list(resources)))


def hyphenated(name: str) -> str:
    """A name for a role, a function or a gateway; it names the run, so that two runs do not meet."""
    return f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}"


def underscored(name: str) -> str:
    """A name for a runtime or a Cedar policy, which take no hyphen."""
    return hyphenated(name).replace("-", "_")
