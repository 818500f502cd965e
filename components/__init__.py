"""What is deployed: the components, and the documents they write."""

__version__ = "0.2.0"
"""The one source of the version: of the wheel, the package for other languages and the policy pack."""
