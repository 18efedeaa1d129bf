"""Nowcasts of a gauge's level, one to six hours ahead: forecasters, their skill, their doubt, and which may be shown.

Pure: arrays in, plain values out. Only `boosting` imports scikit-learn, and only who fits trees imports `boosting`; the
API process, which may load neither that nor scipy, takes values from `forecast` and nothing else.
"""
