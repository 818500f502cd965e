"""The Python that AWS runs our code on."""

VERSION = "3.13"
"""As `major.minor`; the agent's wheels are installed for it."""
# botocore lambda Runtime, bedrock-agentcore-control AgentManagedRuntimeType
LAMBDA = f"python{VERSION}"
AGENTCORE = f"PYTHON_{VERSION.replace('.', '_')}"
