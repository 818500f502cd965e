"""REST APIs of API Gateway that the deployment makes, with the functions behind them."""
