"""A simulated town and real recordings, spoken over MQTT as any sensor would.

It knows nothing of the product.
"""
