"""Every principal and every tool: inbound authorization, then the policy engine."""
