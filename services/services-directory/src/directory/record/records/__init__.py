"""What editors wrote of services: the records, and who may read and change one."""
