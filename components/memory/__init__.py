"""Where conversations are kept: the two memories, and what handing one to an agent comes to."""
