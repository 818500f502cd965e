"""The page that `toolgate up` and `toolgate console` serve: what the commands print, to look at."""
