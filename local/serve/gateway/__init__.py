"""The MCP gateway, and the Lambda functions behind it."""
