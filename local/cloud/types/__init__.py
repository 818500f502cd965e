"""The resource types that the stand-in knows, by AWS service."""
