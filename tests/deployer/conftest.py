from tests.local.conftest import dev, document, jwt, prod, tool, watched

__all__ = ["dev", "document", "jwt", "prod", "tool", "watched"]
