"""Makes products.csv: 360 invented electrical goods, drawn with a fixed seed; it writes beside itself."""

from pathlib import Path

import numpy as np
import pandas as pd

# By category: watts, kilograms and width to its usual (low, high), euros at the lightest, euros a kilogram.
CATEGORIES = {
    "fan": ((25, 75), (1.5, 7.0), (1.2, 1.8), 18, 5),
    "heater": ((900, 2500), (1.5, 8.0), (0.9, 1.6), 25, 8),
    "kettle": ((1200, 2200), (0.8, 2.6), (0.7, 1.0), 15, 20),
    "lamp": ((4, 45), (0.4, 5.0), (0.5, 1.3), 20, 12),
    "speaker": ((35, 150), (0.5, 6.0), (0.7, 1.2), 40, 24),
}
MATERIALS = {"plastic": 0.85, "steel": 1.0, "wood": 1.15, "glass": 1.1}  # times the price
LIKELY = {  # in the order of MATERIALS
    "fan": (0.6, 0.3, 0.1, 0.0),
    "heater": (0.4, 0.5, 0.0, 0.1),
    "kettle": (0.3, 0.4, 0.0, 0.3),
    "lamp": (0.3, 0.25, 0.25, 0.2),
    "speaker": (0.5, 0.1, 0.4, 0.0),
}


def products(n: int = 360, seed: int = 0) -> pd.DataFrame:
    """A row a product; 30 suppliers are dearer or cheaper than others, and one cell in twenty of some columns is empty."""
    draw = np.random.default_rng(seed)
    supplier_price = draw.normal(1, 0.08, 30)
    rows = []
    for number in range(n):
        category, supplier = str(draw.choice(list(CATEGORIES))), int(draw.integers(30))
        watts, kilograms, widths, least, by_weight = CATEGORIES[category]
        material = str(draw.choice(list(MATERIALS), p=LIKELY[category]))
        power, weight = draw.uniform(*watts), draw.uniform(*kilograms)
        width, warranty = 14 * weight**0.4 * draw.uniform(*widths), int(draw.choice([1, 2, 2, 3, 5]))
        price = (least + by_weight * (weight - kilograms[0])) * MATERIALS[material] * supplier_price[supplier]
        price = round(price * draw.uniform(0.92, 1.08) + 3 * warranty, 2)
        cells = [f"s{supplier + 1:02}", material, round(weight, 2), round(width, 1), round(power), warranty]
        rows.append([f"p{number + 1:03}", *cells, round(price / 1.19, 2), category, price])
    columns = ["id", "supplier", "material", "weight_kg", "width_cm", "power_w", "warranty_years", "net_price"]
    frame = pd.DataFrame(rows, columns=[*columns, "category", "price"]).astype({"power_w": "Int64"})
    for column in ("material", "width_cm", "power_w", "category", "price"):
        frame.loc[draw.random(n) < 0.05, column] = None
    return frame


if __name__ == "__main__":
    products().to_csv(Path(__file__).with_name("products.csv"), index=False, lineterminator="\n")
