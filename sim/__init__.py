"""A simulated town and real recordings, published over MQTT like real sensors.

It knows nothing of the product.
"""
