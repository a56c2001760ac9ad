"""Large data sets, made in bulk straight into tables: what users would log in weeks."""
