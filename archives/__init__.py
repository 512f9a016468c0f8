"""The archive: settled days of readings as open Parquet files, which outlive the table and the product."""
