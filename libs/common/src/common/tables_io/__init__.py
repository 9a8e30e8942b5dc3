"""Guards for spreadsheets and CSV files that people send and receive."""
