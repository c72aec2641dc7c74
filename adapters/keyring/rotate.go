package keyring

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Rotate makes a new master key and wraps all keys by it, in batches, while the
// keyring is in use. Data stays as it is: the data keys do not change. Run
// again after an error, it wraps what was left, under yet another master key.
// Older master keys stay, for a process that has not heard yet may still use
// them.
func (k *Keyring) Rotate(ctx context.Context) error {
	if err := k.rotate(ctx); err != nil {
		return fmt.Errorf("rotate the master key: %w", err)
	}
	return nil
}

func (k *Keyring) rotate(ctx context.Context) error {
	var id int64
	var master Key
	err := pgx.BeginFunc(ctx, k.pool, func(tx pgx.Tx) (err error) {
		if id, master, err = k.newMaster(ctx, tx); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE keyring_secrets SET master_key = $2, wrapped = $3 WHERE name = $1",
			rootSecret, id, master.wrap(k.derived.root, secretName(rootSecret)))
		if err != nil {
			return err
		}
		return notify(ctx, tx, rotated)
	})
	if err != nil {
		return err
	}
	k.masters.add(id, master)
	for {
		n, err := k.rewrap(ctx, id, master)
		if err != nil || n == 0 {
			return err
		}
	}
}

// rewrap wraps one batch of keys by another master key.
func (k *Keyring) rewrap(ctx context.Context, id int64, master Key) (int, error) {
	var subjects []string
	var rewrapped [][]byte
	err := pgx.BeginFunc(ctx, k.pool, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, `
			SELECT subject, master_key, wrapped FROM subject_keys
			WHERE master_key < $1 ORDER BY master_key LIMIT $2 FOR UPDATE`, id, window) // CollectRows returns the error.
		keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[keyRow])
		if err != nil {
			return err
		}
		for _, row := range keys {
			old, err := k.master(ctx, *row.MasterKey)
			if err != nil {
				return err
			}
			raw, err := old.unwrap(row.Wrapped, subjectName(row.Subject))
			if err != nil {
				return fmt.Errorf("key of %s: %w", row.Subject, err)
			}
			subjects = append(subjects, row.Subject)
			rewrapped = append(rewrapped, master.wrap(raw, subjectName(row.Subject)))
		}
		_, err = tx.Exec(ctx, `
			UPDATE subject_keys k SET master_key = $1, wrapped = n.wrapped
			FROM unnest($2::text[], $3::bytea[]) AS n (subject, wrapped)
			WHERE k.subject = n.subject`, id, subjects, rewrapped)
		return err
	})
	return len(subjects), err
}
