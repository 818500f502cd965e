"""What must hold: the policy pack, and the reading of IAM documents."""
