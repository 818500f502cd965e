"""One chain instead of one hop: who may ask an agent, who may act as one, and who reaches a tool past its gateway."""
