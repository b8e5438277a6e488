"""Speed of sr_bench beside what people use today; see README.md."""
