"""From an OpenAPI document to the tools of a gateway, and to what AgentCore is sent of it."""
