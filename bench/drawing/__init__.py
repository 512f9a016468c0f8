"""Drawings of dashboards from the rows that Grafana would be given, by the contract of tests/dashboards/contract.py."""
