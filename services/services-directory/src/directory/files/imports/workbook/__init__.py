"""The service-mapping workbook: its rows from and to services, and the empty one to fill in."""
