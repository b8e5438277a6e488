"""Adapters of libraries that people score with: two functions each, at the library's best.

Each computes in float64 where its library can, and answers with the nearest that it offers.
"""
