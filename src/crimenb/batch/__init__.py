"""Many reports from one list of postcodes: plan, workers, ledger and index page."""
