"""What stands behind a gateway, by kind."""
