"""Speed only: processes kept ready beside a worker. Everything works without them."""
