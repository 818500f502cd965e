"""Tokens on this machine: who gives them, to whom, and AgentCore Identity in front of that."""
