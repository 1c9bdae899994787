"""Agents as actors of a Ray cluster (DESIGN D16). Needs `picloud[ray]`, here and on the cluster's machines."""
