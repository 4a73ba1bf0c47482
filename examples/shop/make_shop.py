"""Writes shop.sql, the same text at every run: a small invented shop with a few thousand rows.

python examples/shop/make_shop.py
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

SEED = 20250101
FIRST_DAY = date(2024, 1, 1)
DAYS = 540
ROWS_PER_INSERT = 50

Value = str | int | None
Row = tuple[Value, ...]

SCHEMA = """\
-- A small invented shop, written by make_shop.py. No person, company or address in it is real.
PRAGMA foreign_keys = OFF;
BEGIN;

CREATE TABLE categories (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    parent_id INTEGER REFERENCES categories (id)
);

CREATE TABLE suppliers (
    id INTEGER PRIMARY KEY,
    name VARCHAR(60) NOT NULL,
    country CHAR(2) NOT NULL,
    email VARCHAR(120),
    since DATE
);

CREATE TABLE products (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sku CHAR(8) NOT NULL CONSTRAINT one_product_per_sku UNIQUE,
    name VARCHAR(80) NOT NULL,
    category_id INTEGER NOT NULL REFERENCES categories (id),
    supplier_id INTEGER CONSTRAINT bought_from REFERENCES suppliers ON DELETE SET NULL,
    price DECIMAL(10, 2) NOT NULL CHECK (price >= 0),
    cost DECIMAL(10, 2),
    margin DECIMAL(10, 2) GENERATED ALWAYS AS (round(price - cost, 2)) VIRTUAL,
    "Größe" VARCHAR(12),
    "100%" TEXT,
    weight_grams INTEGER,
    discontinued BOOLEAN NOT NULL DEFAULT 0
);

CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    first_name VARCHAR(40) NOT NULL,
    last_name VARCHAR(40) NOT NULL,
    email VARCHAR(120) NOT NULL COLLATE NOCASE UNIQUE,
    birthday DATE,
    newsletter BOOLEAN NOT NULL DEFAULT 0,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE addresses (
    customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('billing', 'delivery')),
    street VARCHAR(80) NOT NULL,
    postcode VARCHAR(10) NOT NULL,
    city VARCHAR(40) NOT NULL,
    country CHAR(2) NOT NULL,
    PRIMARY KEY (customer_id, kind)
) WITHOUT ROWID;

CREATE TABLE employees (
    id INTEGER PRIMARY KEY,
    name VARCHAR(80) NOT NULL,
    role TEXT NOT NULL,
    manager_id INTEGER REFERENCES employees (id),
    hired DATE NOT NULL,
    salary DECIMAL(10, 2)
);

CREATE TABLE warehouses (
    code CHAR(3) PRIMARY KEY,
    city VARCHAR(40) NOT NULL
) WITHOUT ROWID;

CREATE TABLE stock (
    product_id INTEGER NOT NULL REFERENCES products (id),
    warehouse CHAR(3) NOT NULL REFERENCES warehouses (code),
    quantity INTEGER NOT NULL CHECK (quantity >= 0),
    counted_on DATE,
    PRIMARY KEY (product_id, warehouse)
) WITHOUT ROWID;

CREATE TABLE stock_corrections (
    id INTEGER PRIMARY KEY,
    product_id INTEGER NOT NULL,
    warehouse CHAR(3) NOT NULL,
    difference INTEGER NOT NULL,
    reason TEXT,
    made_by INTEGER REFERENCES employees (id),
    CONSTRAINT corrected_stock FOREIGN KEY (product_id, warehouse) REFERENCES stock
);

CREATE TABLE orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    served_by INTEGER REFERENCES employees (id),
    status TEXT NOT NULL CHECK (status IN ('open', 'paid', 'shipped', 'returned')),
    ordered_at TIMESTAMP NOT NULL,
    shipped_at TIMESTAMP,
    note TEXT
);

CREATE TABLE order_items (
    order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    line INTEGER NOT NULL,
    product_id INTEGER NOT NULL REFERENCES products (id),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    unit_price DECIMAL(10, 2) NOT NULL,
    discount_percent INTEGER NOT NULL DEFAULT 0,
    total DECIMAL(10, 2) GENERATED ALWAYS AS
        (round(quantity * unit_price * (100 - discount_percent) / 100.0, 2)) STORED,
    PRIMARY KEY (order_id, line)
);

CREATE TABLE payments (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders (id),
    method TEXT NOT NULL,
    amount DECIMAL(10, 2) NOT NULL,
    paid_at TIMESTAMP NOT NULL
);

CREATE TABLE reviews (
    id INTEGER PRIMARY KEY,
    product_id INTEGER NOT NULL REFERENCES products (id),
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    stars INTEGER NOT NULL CHECK (stars BETWEEN 1 AND 5),
    body TEXT,
    "select" BOOLEAN NOT NULL DEFAULT 0,
    "👍" INTEGER NOT NULL DEFAULT 0,
    written_on DATE NOT NULL,
    UNIQUE (product_id, customer_id)
);

CREATE INDEX products_by_category ON products (category_id, price DESC);
CREATE INDEX customers_by_name ON customers (lower(last_name), first_name);
CREATE INDEX orders_by_customer ON orders (customer_id);
CREATE INDEX open_orders ON orders (ordered_at) WHERE shipped_at IS NULL;
CREATE INDEX items_by_product ON order_items (product_id);
CREATE INDEX payments_by_order ON payments (order_id);

CREATE VIEW "order details" AS
SELECT o.id AS order_id, o.ordered_at, o.status, c.first_name || ' ' || c.last_name AS customer,
       p.name AS product, g.name AS category, i.quantity, i.unit_price, i.total
FROM orders AS o
JOIN customers AS c ON c.id = o.customer_id
JOIN order_items AS i ON i.order_id = o.id
JOIN products AS p ON p.id = i.product_id
JOIN categories AS g ON g.id = p.category_id;

CREATE VIEW revenue_by_month AS
SELECT strftime('%Y-%m', o.ordered_at) AS month, count(DISTINCT o.id) AS orders,
       round(sum(i.total), 2) AS revenue
FROM orders AS o JOIN order_items AS i ON i.order_id = o.id
WHERE o.status <> 'returned'
GROUP BY month;

CREATE VIEW best_sellers AS
SELECT p.id, p.name, sum(i.quantity) AS sold, round(sum(i.total), 2) AS revenue
FROM products AS p JOIN order_items AS i ON i.product_id = p.id
GROUP BY p.id ORDER BY revenue DESC;

CREATE VIEW low_stock AS
SELECT p.sku, p.name, sum(s.quantity) AS in_stock
FROM products AS p JOIN stock AS s ON s.product_id = p.id
WHERE NOT p.discontinued GROUP BY p.id HAVING in_stock < 40;
"""

CATEGORIES: dict[str, tuple[str, ...]] = {
    "Kitchen": ("Knives & boards", "Pots & pans", "Tableware"),
    "Garden": ("Tools", "Pots & planters", "Seeds"),
    "Desk": ("Paper", "Writing", "Lamps"),
    "Bath": ("Towels", "Soap"),
}
ITEMS: dict[str, tuple[tuple[str, int, int], ...]] = {  # name, price from and to in cents
    "Knives & boards": (("Chef's knife", 2900, 8900), ("Bread board", 1800, 4200)),
    "Pots & pans": (("Saucepan", 2400, 7900), ("Frying pan", 2900, 9900)),
    "Tableware": (("Dinner plate", 900, 2400), ("Mug", 700, 1800), ("Bowl", 800, 2200)),
    "Tools": (("Trowel", 900, 2600), ("Pruning shears", 1900, 5900)),
    "Pots & planters": (("Planter", 1200, 6900), ("Hanging pot", 900, 2900)),
    "Seeds": (("Tomato seeds", 250, 490), ("Sunflower seeds", 190, 390)),
    "Paper": (("Notebook", 500, 1900), ("Letter paper", 700, 1600)),
    "Writing": (("Fountain pen", 1900, 12900), ("Pencil set", 600, 2400)),
    "Lamps": (("Desk lamp", 3900, 14900), ("Clip lamp", 1900, 4900)),
    "Towels": (("Bath towel", 1400, 3900), ("Hand towel", 700, 1700)),
    "Soap": (("Olive soap", 350, 890), ("Lavender soap", 350, 890)),
}
STYLES = ("Alder", "Birch", "Coast", "Dune", "Ember", "Fjord", "Grove", "Heath", "Isle", "Juniper")
SIZES: dict[str, tuple[str | None, ...]] = {
    "Pots & pans": ("16 cm", "20 cm", "24 cm", "28 cm"),
    "Pots & planters": ("S", "M", "L"),
    "Towels": ("30x50", "50x100", "70x140"),
    "Paper": ("A4", "A5", "A6"),
}
PURE: dict[str, tuple[str | None, ...]] = {
    "Towels": ("cotton", "linen", "bamboo"),
    "Paper": ("recycled", "cotton", None),
    "Soap": ("vegetable", None),
}
FIRST_NAMES = (
    "Ada", "Aino", "Amir", "Anneke", "Bruno", "Carla", "Chidi", "Dilek", "Elif", "Emil", "Fatima", "Finn", "Greta",
    "Hana", "Ines", "Ivo", "Jonas", "Kofi", "Lena", "Liv", "Mara", "Mateo", "Mei", "Nils", "Noor", "Olga", "Pavel",
    "Quentin", "Rosa", "Sami", "Søren", "Tara", "Uma", "Vito", "Wanda", "Yara", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Abara", "Bergström", "Castillo", "Dvořák", "Eriksen", "Ferrand", "Grünwald", "Haddad", "Ivanova", "Jansen",
    "Kowalczyk", "Lindqvist", "Moreau", "Nakamura", "O'Neill", "Petrov", "Quispe", "Rossi", "Schäfer", "Tanaka",
    "Urban", "Van Dijk", "Weber", "Yavuz", "Zimmer",
)  # fmt: skip
PLACES = (
    ("DE", "Lübeck", "23552"), ("DE", "Freiburg", "79098"), ("NL", "Utrecht", "3511 AA"), ("FR", "Nantes", "44000"),
    ("DK", "Aarhus", "8000"), ("AT", "Graz", "8010"), ("IT", "Torino", "10121"), ("ES", "Gijón", "33201"),
    ("PL", "Gdańsk", "80-001"), ("IE", "Galway", "H91"),
)  # fmt: skip
STREETS = (
    "Mill Lane",
    "Station Road",
    "Harbour Street",
    "Orchard Row",
    "Church Walk",
    "Long Meadow",
)
SUPPLIERS = (
    ("Nordlys Keramik", "DK"), ("Atelier Brume", "FR"), ("Holz & Hand", "DE"), ("Vega Textiles", "PT"),
    ("Cascina Verde", "IT"), ("Papeterie du Quai", "FR"), ("Ironbridge Forge", "GB"), ("Lumen Works", "NL"),
    ("Saponeria Alba", "IT"), ("Greenrow Seeds", "IE"), ("Studio Halden", "NO"), ("Tallinn Linen Co.", "EE"),
)  # fmt: skip
STAFF = (
    ("Managing director", None, 7400), ("Head of sales", 1, 5600), ("Head of logistics", 1, 5500), ("Sales", 2, 3600),
    ("Sales", 2, 3500), ("Sales", 2, 3400), ("Customer care", 2, 3300), ("Customer care", 2, 3300),
    ("Warehouse", 3, 3100), ("Warehouse", 3, 3100), ("Warehouse", 3, 3000), ("Apprentice", 3, None),
)  # fmt: skip
WAREHOUSES = (("LUB", "Lübeck"), ("UTR", "Utrecht"), ("GRZ", "Graz"))
PRAISE = (
    "Exactly as described.", "Lovely colour, good weight in the hand.", "Arrived quickly and well packed.",
    "I have bought a second one.", "Solid work; I'd buy it again.",
)  # fmt: skip
BLAME = (
    "Smaller than I thought.", "The handle came loose after a week.", "Nice, but not for this price.",
    "Arrived with a scratch.", "The colour differs from the picture.",
)  # fmt: skip
NOTES = ("Please leave with a neighbour.", "Gift wrap, please.", "Ring twice.", "No substitutes.")
REASONS = ("broken in transit", "counted again", None, "lost label")


class Shop:
    """Everything that the shop knows, one list of rows for each table."""

    def __init__(self) -> None:
        self.random = random.Random(SEED)
        self.tables: dict[str, tuple[str, list[Row]]] = {}
        self.prices: list[int] = []
        self.categories()
        self.people()
        self.products()
        self.warehouses()
        self.orders()
        self.reviews()

    def add(self, table: str, columns: str, rows: Iterable[Row]) -> None:
        self.tables[table] = (columns, list(rows))

    def day(self, first: int = 0, last: int = DAYS) -> date:
        return FIRST_DAY + timedelta(days=self.random.randrange(first, last))

    def moment(self, day: date) -> datetime:
        seconds = self.random.randrange(7 * 3600, 22 * 3600)
        return datetime.combine(day, datetime.min.time()) + timedelta(seconds=seconds)

    def categories(self) -> None:
        rows: list[Row] = []
        self.category_ids: dict[str, int] = {}
        for parent, children in CATEGORIES.items():
            rows.append((len(rows) + 1, parent, None))
            above = len(rows)
            for child in children:
                rows.append((len(rows) + 1, child, above))
                self.category_ids[child] = len(rows)
        self.add("categories", "id, name, parent_id", rows)

    def people(self) -> None:
        pick = self.random.choice
        names = [(first, last) for last in LAST_NAMES for first in FIRST_NAMES]
        self.random.shuffle(names)
        staff, customers = names[: len(STAFF)], names[len(STAFF) : len(STAFF) + 260]
        employees: list[Row] = [
            (
                number,
                " ".join(name),
                role,
                manager,
                str(self.day() - timedelta(days=2000)),
                money(pay),
            )
            for number, (name, (role, manager, salary)) in enumerate(
                zip(staff, STAFF, strict=True), 1
            )
            for pay in [None if salary is None else salary * 100]
        ]
        self.add("employees", "id, name, role, manager_id, hired, salary", employees)
        people: list[Row] = []
        addresses: list[Row] = []
        for number, (first, last) in enumerate(customers, 1):
            born = (
                None
                if number % 4 == 0
                else str(self.day() - timedelta(days=pick(range(9000, 27000))))
            )
            created = str(self.moment(self.day() - timedelta(days=DAYS)))
            email = f"{slug(first)}.{slug(last)}@example.com"
            people.append((number, first, last, email, born, pick((0, 0, 1)), created))
            for kind in ("billing", "delivery")[: pick((1, 1, 2))]:
                country, city, postcode = pick(PLACES)
                street = f"{pick(STREETS)} {self.random.randrange(1, 120)}"
                addresses.append((number, kind, street, postcode, city, country))
        self.customers = len(people)
        columns = "id, first_name, last_name, email, birthday, newsletter, created_at"
        self.add("customers", columns, people)
        self.add("addresses", "customer_id, kind, street, postcode, city, country", addresses)

    def products(self) -> None:
        pick = self.random.choice
        suppliers: list[Row] = [
            (number, name, country, email, str(self.day() - timedelta(days=3 * DAYS)))
            for number, (name, country) in enumerate(SUPPLIERS, 1)
            for email in [None if number % 5 == 0 else f"hello@{slug(name)}.example"]
        ]
        self.add("suppliers", "id, name, country, email, since", suppliers)
        rows: list[Row] = []
        for category, items in ITEMS.items():
            for item, low, high in items:
                for style in sorted(self.random.sample(STYLES, 5)):
                    number, price = len(rows) + 1, self.random.randrange(low, high, 10) + 9
                    cost = None if number % 17 == 0 else price * pick(range(35, 70)) // 100
                    supplier = (
                        None if number % 23 == 0 else self.random.randrange(1, len(SUPPLIERS) + 1)
                    )
                    rows.append(
                        (
                            f"{category[:2].upper()}-{number:05}",
                            f"{item} {style}",
                            self.category_ids[category],
                            supplier,
                            money(price),
                            money(cost),
                            pick(SIZES.get(category, (None,))),
                            pick(PURE.get(category, (None,))),
                            pick((None, *range(80, 2600, 40))),
                            int(number % 19 == 0),
                        )
                    )
                    self.prices.append(price)
        self.add(
            "products",
            'sku, name, category_id, supplier_id, price, cost, "Größe", "100%", weight_grams, discontinued',
            rows,
        )

    def warehouses(self) -> None:
        self.add("warehouses", "code, city", WAREHOUSES)
        stock: list[Row] = [
            (product, code, self.random.randrange(0, 60), str(self.day(first=480)))
            for product in range(1, len(self.prices) + 1)
            for code, _city in WAREHOUSES
            if self.random.random() < 0.8
        ]
        self.add("stock", "product_id, warehouse, quantity, counted_on", stock)
        corrected = self.random.sample(stock, 40)
        self.add(
            "stock_corrections",
            "id, product_id, warehouse, difference, reason, made_by",
            [
                (
                    number,
                    row[0],
                    row[1],
                    self.random.choice((-3, -2, -1, 1, 2)),
                    self.random.choice(REASONS),
                    9,
                )
                for number, row in enumerate(corrected, 1)
            ],
        )

    def orders(self) -> None:
        pick, weigh = self.random.choice, self.random.choices
        orders: list[Row] = []
        items: list[Row] = []
        payments: list[Row] = []
        days = sorted(self.random.randrange(20, DAYS) for _ in range(1150))
        for number, day in enumerate(days, 1):
            ordered = self.moment(FIRST_DAY + timedelta(days=day))
            status = (
                "open" if day > DAYS - 6 else weigh(("shipped", "returned", "paid"), (92, 5, 3))[0]
            )
            shipped = (
                ordered + timedelta(hours=pick(range(5, 90)))
                if status in ("shipped", "returned")
                else None
            )
            served = None if pick(range(3)) else pick((4, 5, 6, 7, 8))
            customer = min(self.customers, int(self.random.expovariate(1 / 90)) + 1)
            orders.append(
                (
                    number,
                    customer,
                    served,
                    status,
                    str(ordered),
                    text(shipped),
                    pick((None,) * 9 + NOTES),
                )
            )
            due = 0
            products = self.random.sample(range(len(self.prices)), pick((1, 1, 2, 2, 3, 4, 6)))
            for line, product in enumerate(products, 1):
                quantity, discount = pick((1, 1, 1, 2, 2, 3, 6)), pick((0, 0, 0, 0, 5, 10, 20))
                items.append(
                    (number, line, product + 1, quantity, money(self.prices[product]), discount)
                )
                due += (quantity * self.prices[product] * (100 - discount) + 50) // 100
            if status != "open":
                paid = ordered + timedelta(minutes=pick(range(1, 600)))
                method = weigh(("card", "transfer", "invoice", "voucher"), (60, 20, 15, 5))[0]
                payments.append((len(payments) + 1, number, method, money(due), str(paid)))
        self.add(
            "orders", "id, customer_id, served_by, status, ordered_at, shipped_at, note", orders
        )
        self.add(
            "order_items",
            "order_id, line, product_id, quantity, unit_price, discount_percent",
            items,
        )
        self.add("payments", "id, order_id, method, amount, paid_at", payments)

    def reviews(self) -> None:
        pairs = {
            (
                self.random.randrange(1, len(self.prices) + 1),
                self.random.randrange(1, self.customers + 1),
            )
            for _ in range(420)
        }
        rows: list[Row] = []
        for number, (product, customer) in enumerate(sorted(pairs), 1):
            stars = self.random.choices((1, 2, 3, 4, 5), (4, 6, 15, 35, 40))[0]
            body = None if number % 3 == 0 else self.random.choice(PRAISE if stars > 3 else BLAME)
            votes = int(self.random.expovariate(0.4))
            rows.append(
                (
                    number,
                    product,
                    customer,
                    stars,
                    body,
                    int(votes > 7),
                    votes,
                    str(self.day(first=60)),
                )
            )
        columns = 'id, product_id, customer_id, stars, body, "select", "👍", written_on'
        self.add("reviews", columns, rows)


def money(cents: int | None) -> str | None:
    return None if cents is None else f"#{cents // 100}.{cents % 100:02}"


def text(moment: datetime | None) -> str | None:
    return None if moment is None else str(moment)


def slug(name: str) -> str:
    """The name in plain lower-case letters, as it would stand in an address."""
    plain = unicodedata.normalize("NFKD", name).lower().translate(str.maketrans("øł", "ol"))
    kept = (c if c.isalpha() else " " for c in plain if not unicodedata.combining(c))
    return "-".join("".join(kept).split())


def literal(value: Value) -> str:
    """The value as SQL; amounts of money, which start with `#`, stay exact decimal numbers."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    if value.startswith("#"):
        return value[1:]
    return "'" + value.replace("'", "''") + "'"


def inserts(table: str, columns: str, rows: list[Row]) -> Iterator[str]:
    for start in range(0, len(rows), ROWS_PER_INSERT):
        lines = (
            f"({', '.join(map(literal, row))})" for row in rows[start : start + ROWS_PER_INSERT]
        )
        yield f"INSERT INTO {table} ({columns}) VALUES\n" + ",\n".join(lines) + ";\n"


def shop_sql() -> str:
    """The whole text of shop.sql."""
    shop = Shop()
    parts = [SCHEMA]
    for table, (columns, rows) in shop.tables.items():
        parts.extend(inserts(table, columns, rows))
    return "\n".join([*parts, "COMMIT;", "ANALYZE;", ""])


if __name__ == "__main__":
    path = Path(__file__).with_name("shop.sql")
    path.write_text(shop_sql(), encoding="utf-8")
    print(f"{path.name}: {path.stat().st_size // 1024} KiB")
