"""AgentCore Memory: the events of conversations."""
