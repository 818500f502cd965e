"""What a gateway calls over HTTP: MCP servers and APIs, with the credentials of its targets."""
