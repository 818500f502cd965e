from tests.local.conftest import dev, document, prod, tool, watched

__all__ = ["dev", "document", "prod", "tool", "watched"]
