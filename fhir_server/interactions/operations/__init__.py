"""Operations, `$name`, one file each."""
