"""What AgentCore takes of a gateway's target, by what stands behind it."""
