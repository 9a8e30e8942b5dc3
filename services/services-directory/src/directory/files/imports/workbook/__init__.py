"""The service-mapping workbook: converts its rows from and to services, and creates the empty workbook."""
