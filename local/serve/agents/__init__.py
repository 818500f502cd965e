"""AgentCore Runtime: InvokeAgentRuntime and the agents' processes."""
