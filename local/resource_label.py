"""How a resource is named to people."""


def short_type(token: str) -> str:
    """The type token `aws:iam/role:Role` as `aws:iam:Role`, the way `pulumi preview` shows it."""
    package, module, name = token.split(":")
    return f"{package}:{module.partition('/')[0]}:{name}"
