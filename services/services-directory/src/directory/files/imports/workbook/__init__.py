"""The service-mapping workbook: converts its rows from and to services, and makes the empty one."""
