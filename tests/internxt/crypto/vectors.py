"""Values that the official packages computed: what this client must compute too, to the byte."""

from __future__ import annotations

from skycap.core.crypto.secret import Secret

A = Secret("abandon " * 23 + "art")
B = Secret(
    "legal winner thank year wave sausage worth useful " * 2
    + "legal winner thank year wave sausage worth title"
)
MNEMONICS = {"A": A, "B": B}
I1 = bytes(range(32))
I2 = bytes.fromhex("ff" * 16 + "00112233445566778899aabbccddeeff")
INDEXES = {"I1": I1, "I2": I2}
BUCKETS = {"b1": "6610a1b2c3d4e5f60718293a", "b0": "0" * 24}

SEEDS = {
    "A": (
        "408b285c123836004f4b8842c89324c1f01382450c0d439af345ba7fc49acf70"
        "5489c6fc77dbd4e3dc1dd8cc6bc9f043db8ada1e243c4a0eafb290d399480840"
    ),
    "B": (
        "761914478ebf6fe16185749372e91549361af22b386de46322cf8b1ba7e92e80"
        "c4af05196f742be1e63aab603899842ddadf4e7248d8e43870a4b6ff9bf16324"
    ),
}
BUCKET_KEYS = {
    ("A", "b1"): (
        "d3a0765a1e5456fa0ad811d641c69fee206203db0e9d28430a5adca3de46b267"
        "26deb995bca559fb8af7a5ec71e24f4899c4c1f7fb90e7dfd1abb3632395b4af"
    ),
    ("A", "b0"): (
        "b2c1303daabed3704b4744bfd99604349893ce70331b2fd0367e580cdd8da070"
        "9554a1d7bfcf207b6e22523eef8a17073bc5d846536f8167ec9254512e91b60e"
    ),
    ("B", "b1"): (
        "495f4665194c69e91c8ae19df418cfdc803bb4ace5588763c69e6341e7b8aa20"
        "8c4c9b6f6646e2d401d8c54e8bdec605127f095d88af9580e75d118caf4419dd"
    ),
    ("B", "b0"): (
        "bf9aef9a13097ee7bb3b441ceddd02e93fd71f6d49fa39de81adb75c945483c5"
        "dc91305ef26cb057891426734e77bed43001871a8f357af01a56f041e45a3446"
    ),
}
FILE_KEYS = {
    ("A", "b1", "I1"): "d5694dfe5ac5e93345eefaa409f88d645162d9a08eb3e2f97bee21e40e911d2e",
    ("A", "b1", "I2"): "da9d41241dc1d4ed4b8d13fe48b1649753a5bec8528a2014b3012a3c7e47268d",
    ("A", "b0", "I1"): "11e10ca80fac9e5926c53a059ebb4c4d0c8ba2b36095147ec73f1cccf20ad195",
    ("A", "b0", "I2"): "5a9d401692a9135a3877a6f8959a9f7c271eaa491962c5af3930cf2a18bb16d3",
    ("B", "b1", "I1"): "8854992813802e55610f8539d92f7c4ce77c9b710eac590d25831378c0242cd9",
    ("B", "b1", "I2"): "30c9ed8df0619ced0542c69bbc550b3fb7c0dee5a165b25d0ba6d2efae27d3f0",
    ("B", "b0", "I1"): "c1a0b4d8282738f5ed10d1de9dcf3f8bc21ee8040c20ab7e34cabd3ba114832d",
    ("B", "b0", "I2"): "623d324b981ca5981f98dbb19493fe4fc93a67e1ef0e900a17103a74dc6ce4a8",
}

PLAIN = b"Internxt test vector: the quick brown fox jumps over the lazy dog.\n"
CIPHERTEXTS = {
    "I1": (
        "d1492186929a1ce86a10937883abf9cf5d65d9979662cc108f841529cc4f4a9927e001b99029e71cb9ac49f552"
        "df732441fd1b7359634d43cfe6b5c4b6e8bb8fa8260f"
    ),
    "I2": (
        "09a93636a470a9f37532cf4139fa9c6866537318f2a217c5ec974157f99a8da21c10abda9a60d58e4094e3b493"
        "3440744e881a439e17abef10b714ff0c82b0d63308aa"
    ),
}
SHARD_HASHES = {
    "I1": "98f774986e9e3453d73840829e57f39d0e9a76d3",
    "I2": "6d850c35ae337897e074701afb77e7bb78a60132",
}
MAC_KEY = (
    "7a0d998f9f0cf12c9884e0563805ed3df2d6e33b72364de8070f59fe7d4ffd1300b04ec7fbda7c6b348c8f44047f202f"
    "e0256274d0b1c948cb9b475276a820b2"
)
MAC = (
    "2170c15cd17a5c9065f364fc3191a8744bdb801cb86b3a87536373c4c128fbbc6778ab304318d4f1a4d5c4d5164da38b"
    "7b7c923d31a494edd6d5e1393112b59b"
)

PASSWORD = Secret("Test-Passw0rd!")
SALT = "00112233445566778899aabbccddeeff"
WRAPPED_SALT = (
    "53616c7465645f5f01020304050607085616b3d0843b31f7fba0136dd668a4a3862dbd7a976c4fe7b3fa74eadac0d6a1"
    "f8dcf24afe6247d44b0ae388be91ab39"
)
WRAPPED_HASH = (
    "53616c7465645f5f111213141516171871bf6d35857824a739ea196817d9d1da091c94ed23ad835f2779ca597a1de826"
    "b853f64340fe229dde759e4b9afdfbc877b62b293a027dedfa5cdaea37ea4747f5564c8ffde874e203b65fbb7bd39f70"
)
WRAPPED_MNEMONIC = (
    "53616c7465645f5f21222324252627287e189634f9b3b906813b253cc9517a691ada9c145de9a53c3516d738f3dc1bb3"
    "db930548033c12fbb8e29722f6110323bddeff5051f783dd1ef62ea664b0616adc0840ef41e2cf375561bac40798f5f9"
    "cf99fe0e1ad0aa5b2a600394d47480c7159977237715a728d0b4c8b3228d25aba7f326d4f0110f9b40725d1ce411ef04"
    "385113dbbed0ee59c79c14b04f378349ae738eb7027de6c3f4ddb89c0e754a665b50a32c391e27f9078ece1899fdbb0f"
    "f202278d0941c09117582d8a98684c43"
)

BLOB_NONCE = bytes.fromhex("d139cb9a2cd17092e79e1861cf9d7023")
BLOB_SALT = bytes.fromhex(
    "38dce0391b49efba88dbc8c39ebf868f0267eb110bb0012ab27dc52a528d61b1"
    "d1ed9d76f400ff58e3240028442b1eab9bb84e111d9dadd997982dbde9dbd25e"
)
SEALED_TEXT = (
    "ONzgORtJ77qI28jDnr+GjwJn6xELsAEqsn3FKlKNYbHR7Z129AD/WOMkAChEKx6rm7hOER2drdmXmC296dvSXtE5y5os0XCS"
    "554YYc+dcCNPCLl236dy32Ihx2OvV1rE3Xy9FkSE9Qwqb/Y="
)
PRIVATE_KEY = (
    "ONzgORtJ77qI28jDnr+GjwJn6xELsAEqsn3FKlKNYbHR7Z129AD/WOMkAChEKx6rm7hOER2drdmXmC296dvSXtE5y5os0XCS"
    "554YYc+dcCMa2gEYSd96/XC6HKdRbt0EgzTzSQyykD8GWaKhf6wA2FjPZlKBfnpOvq+E6f4R14j2aVAf9bV00KDbgQtOzdH7"
    "ORD77vlFIc7QQWkkWTTgNLzcFsirIXyVPdI6hNWSJG2r9T8/4N6sMvaDlICKo8gJnl4/8Ffnj26ZtPj3i0NnXnRT3LtHFkzt"
    "9+4Pa1dwgO5UeC5kRSH/X1AHf+Y8hCAqR5fMvTd9WaXI0JDArgbCEEg548aiLecr/TXAVhhOKq40jI2fPp03HMlOv7rnMrfW"
    "D6t9sw0+0l5l5opGZEX2HPDTKVACJXyluGd3Q8PTSeGRaJUDYs+isiLCylBNmsijefXhRfdl2sd7ncTbJB10xsrhDvnCEmll"
    "D8Vkgu+qwv9phCzaYC31uGsxQJYJa/OXeFl1n6nxSHLtwI8NgYavbT3AFUCu41KiNZt6AWj7+56qe5bEg92v9ziiPk9IMTej"
    "wkfBIZ+H8jtt6/LuLR0k8NJiP1eYcOd6PHIf9C4IksLRW0LVnkzv7O90+4fxVXpXJ6SSz0MSvtZbOudXQnzz6ryDB5GVOWCC"
    "gBqs3wGKp2vFL0vE9XYBfNBeem1ZQJzfrh3wo2VHXZvlrM/8Pg6D2cV8Mx4wO0kfjCXPrI/Av+2KZulS5ggjsQr2WR2yyRgD"
    "zGR5cmgzsptdrgUp12n30pbdXYfk7xAk3sX/cfBYhF36gm5hkDbGkQ83IUAMWgVRe+59c3TwhqiJQgwW879ctJRLP30Zzyqu"
    "TNkjU/IzjuHeX7j6y4eTqJi6ES4TpzOPeJCeoSYlxIY+3ezcERlSh32+K2xFSXejnk/OcsptLytTN5MeBEKtlHvSTdv3XJL4"
    "XU0OUt/CB77Gl7kyEj4q6YuDWapzlX/WILYA3YoKb65sxqXg2YTaGKg31gxWyFUFEpAilPLORKoJVjz6TzH9UC2CoesYwcjb"
    "EhYZRdLf4xkLDbDBknU8wdT9Vqs1xLI7qbfK6wFaoOEG6UUOpUylgV5HRH1hP/RReNOeB1qiNucRNHZgUzC6x6UqJNrW1/Nf"
    "iVFiErI7cEXIBw3Ubgn/CItt5pn2FjjSc9QuDfQaFfjFDORb4A0TnRy1ZyQsmeIH+5bFqPJwgf2OPHmy7vs5nNcIOQTozJG9"
    "HAY9nTK49J9GDrReCJTvFhhu453p1mS9yr/rcphCax4futLrLxEFww0IUL5DQ10nPeRyuP3bearimPI7Mhz5WLKTIw=="
)

CODE = Secret("Ab3-_xYz")
SHARED_KEY = "d3a0765a1e5456fa0ad811d641c69fee206203db0e9d28430a5adca3de46b267"
ENCRYPTION_KEY = (
    "ONzgORtJ77qI28jDnr+GjwJn6xELsAEqsn3FKlKNYbHR7Z129AD/WOMkAChEKx6rm7hOER2drdmXmC296dvSXtE5y5os0XCS"
    "554YYc+dcCNL7VYrIZmqTAMguwUmYDfCZpHN5cJXWoVf0xlNybNP0R0iLVykTAVvmrlCIZqg2BwxSamO9T0hSuVlVvHo0N7m"
    "xq8i93o+nQYVTeILmpeVdw=="
)
ENCRYPTED_CODE = (
    "ONzgORtJ77qI28jDnr+GjwJn6xELsAEqsn3FKlKNYbHR7Z129AD/WOMkAChEKx6rm7hOER2drdmXmC296dvSXtE5y5os0XCS"
    "554YYc+dcCNLNCgcrL9XALSasZ42ObQ7zBVv+d8w1B8="
)
ENCRYPTED_PASSWORD = (
    "ONzgORtJ77qI28jDnr+GjwJn6xELsAEqsn3FKlKNYbHR7Z129AD/WOMkAChEKx6rm7hOER2drdmXmC296dvSXtE5y5os0XCS"
    "554YYc+dcCP4wLTVLLoUj5yzPBXpFfTKbsvCvoUW"
)
