"""Services to files: HSDS data package, workbook, CSV, HXL list, GeoJSON. Every file holds what the
caller may see and nothing else."""
