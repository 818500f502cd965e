"""What an agent comes to its gateways with where they take tokens: clients, credential providers, one identity."""
