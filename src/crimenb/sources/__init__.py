"""Where records come from: archives of the official files, and the live services."""
