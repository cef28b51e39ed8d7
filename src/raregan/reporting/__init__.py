"""Figures and the report: data first, rendering second."""
