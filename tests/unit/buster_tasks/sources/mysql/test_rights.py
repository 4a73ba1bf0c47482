import pytest

from buster_tasks.sources.mysql.rights import read_rights


@pytest.mark.parametrize(
    ("lines", "database", "shown"),
    [
        (["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"], "shop", True),
        (["GRANT SELECT, INSERT ON `shop`.* TO `a`@`%`"], "shop", True),
        (["GRANT SELECT, INSERT ON `shop`.* TO `a`@`%`"], "shopping", False),
        (["GRANT USAGE ON *.* TO `a`@`%`"], "shop", False),
        (["GRANT EXECUTE, LOCK TABLES ON `shop`.* TO `a`@`%`"], "shop", False),
        (["GRANT SELECT ON `shop`.`t` TO `a`@`%`"], "shop", False),
        (["GRANT SELECT (`a`, `b`) ON `shop`.`t` TO `a`@`%`"], "shop", False),
        (["GRANT SELECT ON `sh\\_%`.* TO `a`@`%`"], "sh_op", True),
        (["GRANT SELECT ON `sh\\_%`.* TO `a`@`%`"], "shxop", False),
        (["GRANT SELECT ON `sh_p`.* TO `a`@`%`"], "shop", True),
        (["GRANT SELECT ON `a``b`.* TO `a`@`%`"], "a`b", True),
        (["GRANT SELECT ON `a[b]*`.* TO `a`@`%`"], "a[b]*", True),
        (["GRANT SELECT ON `a[b]*`.* TO `a`@`%`"], "abc", False),
        (['GRANT SELECT ON "shop".* TO "a"@"%"'], "shop", True),
        (["GRANT `reader`@`%` TO `a`@`%`", "GRANT SELECT ON `shop`.* TO `reader`"], "shop", True),
        (
            ["GRANT SELECT ON *.* TO `a`@`%`", "REVOKE SELECT ON `shop`.* FROM `a`@`%`"],
            "shop",
            False,
        ),
        (
            ["GRANT SELECT ON *.* TO `a`@`%`", "REVOKE SELECT ON `shop`.* FROM `a`@`%`"],
            "other",
            True,
        ),
        (
            [
                "GRANT EXECUTE ON PROCEDURE `shop`.`p` TO `a`@`%`",
                "GRANT PROXY ON ``@`%` TO `a`@`%`",
            ],
            "shop",
            False,
        ),
        (["GRANT BACKUP_ADMIN,ROLE_ADMIN ON *.* TO `a`@`%`"], "shop", False),
        ([], "shop", False),
    ],
)
def test_which_databases_are_shown_whole(lines: list[str], database: str, shown: bool) -> None:
    assert read_rights(lines).show_all(database) is shown
