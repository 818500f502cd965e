"""What tokens are made with: issuers, their clients, and the vault that asks for agents."""
