"""What is deployed: the components, and the documents they write."""
