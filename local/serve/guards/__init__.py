"""What a request must pass: its signature, IAM, Cedar."""
