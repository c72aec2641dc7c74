CREATE INDEX profiles_subject_hash ON profiles (subject_hash);
