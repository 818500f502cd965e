"""The functions that a gateway asks about requests and answers: their code read, and what is made of them."""
