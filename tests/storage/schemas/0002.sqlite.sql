BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE epoch_metric (
	trial_id INTEGER NOT NULL, 
	fold INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	score DOUBLE, 
	binary_f1 DOUBLE, 
	macro_f1 DOUBLE, 
	train_multiclass DOUBLE, 
	train_binary DOUBLE, 
	train_nine_class DOUBLE, 
	train_kl DOUBLE, 
	train_total DOUBLE, 
	val_multiclass DOUBLE, 
	val_binary DOUBLE, 
	val_nine_class DOUBLE, 
	val_kl DOUBLE, 
	val_total DOUBLE, 
	weight_multiclass DOUBLE, 
	weight_binary DOUBLE, 
	weight_nine_class DOUBLE, 
	weight_kl DOUBLE, 
	s_multiclass DOUBLE, 
	s_binary DOUBLE, 
	s_nine_class DOUBLE, 
	s_kl DOUBLE, 
	alpha DOUBLE, 
	extra JSON, 
	CONSTRAINT pk_epoch_metric PRIMARY KEY (trial_id, fold, epoch), 
	CONSTRAINT fk_epoch_metric_trial_id_trial_run FOREIGN KEY(trial_id) REFERENCES trial_run (trial_id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "epoch_metric" VALUES(1,0,0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(1,0,1,0.1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(1,0,2,0.2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(1,1,0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(1,1,1,0.1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(1,1,2,0.2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(2,0,0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(2,0,1,0.1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(2,1,0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(2,1,1,0.1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(6,0,0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(6,0,1,0.1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(6,0,2,0.2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(6,1,0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(6,1,1,0.1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(6,1,2,0.2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(7,0,0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
INSERT INTO "epoch_metric" VALUES(7,1,0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,'{"temperature": 2.0}');
CREATE TABLE fold_score (
	trial_id INTEGER NOT NULL, 
	fold INTEGER NOT NULL, 
	score DOUBLE, 
	binary_f1 DOUBLE, 
	macro_f1 DOUBLE, 
	best_epoch INTEGER, 
	best_score DOUBLE, 
	CONSTRAINT pk_fold_score PRIMARY KEY (trial_id, fold), 
	CONSTRAINT fk_fold_score_trial_id_trial_run FOREIGN KEY(trial_id) REFERENCES trial_run (trial_id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "fold_score" VALUES(1,0,0.5,0.5,0.5,1,0.5);
INSERT INTO "fold_score" VALUES(1,1,0.75,0.75,0.75,1,0.75);
INSERT INTO "fold_score" VALUES(6,0,0.6,0.6,0.6,1,0.6);
INSERT INTO "fold_score" VALUES(6,1,0.7,0.7,0.7,1,0.7);
CREATE TABLE oof_prediction (
	trial_id INTEGER NOT NULL, 
	fold INTEGER NOT NULL, 
	predicted BLOB NOT NULL, 
	sequence_ids BLOB NOT NULL, 
	CONSTRAINT pk_oof_prediction PRIMARY KEY (trial_id, fold), 
	CONSTRAINT fk_oof_prediction_trial_id_trial_run FOREIGN KEY(trial_id) REFERENCES trial_run (trial_id) ON DELETE CASCADE
);
INSERT INTO "oof_prediction" VALUES(1,0,X'0011',X'789C8B568A29353048B554D2514A528A05001C57039E');
INSERT INTO "oof_prediction" VALUES(1,1,X'0111',X'789C8B568A29353048B554D2514A528A05001C57039E');
INSERT INTO "oof_prediction" VALUES(6,0,X'0011',X'789C8B568A29353048B554D2514A528A05001C57039E');
INSERT INTO "oof_prediction" VALUES(6,1,X'0111',X'789C8B568A29353048B554D2514A528A05001C57039E');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'every state');
CREATE TABLE study_alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT study_alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "study_alembic_version" VALUES('0002');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MAXIMIZE',1,0);
CREATE TABLE study_record (
	study_id INTEGER NOT NULL, 
	name VARCHAR(512) NOT NULL, 
	created DOUBLE NOT NULL, 
	config JSON NOT NULL, 
	arms JSON NOT NULL, 
	seed BIGINT NOT NULL, 
	data_hash VARCHAR(64) NOT NULL, 
	config_hash VARCHAR(64) NOT NULL, 
	model_hash VARCHAR(64) NOT NULL, 
	environment JSON NOT NULL, stopping JSON, 
	CONSTRAINT pk_study_record PRIMARY KEY (study_id), 
	CONSTRAINT uq_study_record_name UNIQUE (name)
);
INSERT INTO "study_record" VALUES(1,'every state',1.79562385540701889988e+09,'{"data": "wisdm51", "subjects": null, "folds": 2, "seed": 0, "arms": ["fixed", "uncertainty", "direct"], "network": {"width": 32, "blocks": 2, "heads": 2, "kernel": 15, "expansion": 2, "stem_kernel": 5, "stride": 2, "bert_layers": 0, "dropout": 0.1}, "training": {"epochs": 3, "batch_size": 64, "learning_rate": 0.002, "warmup": 0.1, "weight_decay": 0.01, "clip_norm": 1.0, "precision": "auto"}, "features": {"feature_set": "gravity", "max_length": 200, "normalise": "train"}, "loss": {"alpha": 0.5, "nine_class_loss_weight": 0.2, "kl_weight": 0.1, "nine_class_head_enabled": true, "auto_weighting": "none", "auto_weight_clamp": [-10.0, 10.0], "uncertainty_init_value": 0.0, "lr_multiplier": 0.1, "rho": 1.0, "temperature": null, "label_smoothing": 0.1}, "grid": {"fixed": {"alpha": [0.3, 0.5, 0.7, 0.9], "nine_class_weight": [0.0, 0.1, 0.2, 0.5], "kl_weight": [0.0, 0.05, 0.1, 0.2]}, "uncertainty": {"s_init": ["zero", "matched"], "lr_multiplier": [0.1, 1.0, 10.0, 100.0]}, "direct": {"lr_multiplier": [0.1, 1.0, 10.0, 100.0]}}}','["fixed", "uncertainty", "direct"]',0,'data','48d258d709ee02ea13c47ce4c1c6301e49880c6389ddf075f8e2969c65216e4f','676b76f6668213f916eabdaa2a58ff6ed7b9b86061cabb2de91d52bc72fa70d9','{"packages": {"torch": "2"}}','{"looks": [5, 10], "rope": 0.005, "races": true}');
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_system_attributes" VALUES(1,1,'study:metric_names','["score"]');
CREATE TABLE study_truth (
	study_id INTEGER NOT NULL, 
	data_hash VARCHAR(64) NOT NULL, 
	sequence_ids BLOB NOT NULL, 
	labels BLOB NOT NULL, 
	subjects BLOB NOT NULL, 
	classes JSON NOT NULL, 
	CONSTRAINT pk_study_truth PRIMARY KEY (study_id, data_hash), 
	CONSTRAINT fk_study_truth_study_id_study_record FOREIGN KEY(study_id) REFERENCES study_record (study_id) ON DELETE CASCADE
);
INSERT INTO "study_truth" VALUES(1,'d',X'789C8B568A29353048B554D2514A528A05001C57039E',X'0011',X'789C8B8E560A3652D2510A36548AD58936D0318C8D05002D7F049F','{"fine": ["class 00", "class 01", "class 02", "class 03", "class 04", "class 05", "class 06", "class 07", "class 08", "class 09", "class 10", "class 11", "class 12", "class 13", "class 14", "class 15", "class 16", "class 17"], "coarse": ["class 00", "class 01", "other"], "other": "other"}');
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_intermediate_values" VALUES(1,1,0,0.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(2,1,1,0.1,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(3,1,2,0.2,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(4,2,0,0.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(5,2,1,0.1,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(6,6,0,0.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(7,6,1,0.1,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(8,6,2,0.2,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(9,7,0,0.0,'FINITE');
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'arm',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fixed", "uncertainty", "direct"]}}');
INSERT INTO "trial_params" VALUES(2,1,'alpha',0.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(3,1,'nine_class_weight',0.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 100.0, "log": false}}');
INSERT INTO "trial_params" VALUES(4,1,'kl_weight',0.1,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 100.0, "log": false}}');
INSERT INTO "trial_params" VALUES(5,2,'arm',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fixed", "uncertainty", "direct"]}}');
INSERT INTO "trial_params" VALUES(6,2,'s_init',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["zero", "matched"]}}');
INSERT INTO "trial_params" VALUES(7,2,'lr_multiplier',0.1,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 1000000.0, "log": true}}');
INSERT INTO "trial_params" VALUES(8,3,'arm',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fixed", "uncertainty", "direct"]}}');
INSERT INTO "trial_params" VALUES(9,3,'lr_multiplier',0.1,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 1000000.0, "log": true}}');
INSERT INTO "trial_params" VALUES(10,4,'arm',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fixed", "uncertainty", "direct"]}}');
INSERT INTO "trial_params" VALUES(11,4,'lr_multiplier',0.1,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 1000000.0, "log": true}}');
INSERT INTO "trial_params" VALUES(12,5,'arm',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fixed", "uncertainty", "direct"]}}');
INSERT INTO "trial_params" VALUES(13,5,'alpha',0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(14,5,'nine_class_weight',0.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 100.0, "log": false}}');
INSERT INTO "trial_params" VALUES(15,5,'kl_weight',0.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 100.0, "log": false}}');
INSERT INTO "trial_params" VALUES(16,6,'arm',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fixed", "uncertainty", "direct"]}}');
INSERT INTO "trial_params" VALUES(17,6,'alpha',0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(18,6,'nine_class_weight',0.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 100.0, "log": false}}');
INSERT INTO "trial_params" VALUES(19,6,'kl_weight',0.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 100.0, "log": false}}');
INSERT INTO "trial_params" VALUES(20,7,'arm',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["fixed", "uncertainty", "direct"]}}');
INSERT INTO "trial_params" VALUES(21,7,'s_init',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["zero", "matched"]}}');
INSERT INTO "trial_params" VALUES(22,7,'lr_multiplier',10.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 1000000.0, "log": true}}');
CREATE TABLE trial_run (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	number INTEGER, 
	cell VARCHAR(64) NOT NULL, 
	arm VARCHAR(64) NOT NULL, 
	repeat INTEGER NOT NULL, 
	params JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	attempt INTEGER NOT NULL, 
	cause VARCHAR(32), 
	reason TEXT, 
	log_tail TEXT, 
	told BOOLEAN NOT NULL, 
	holder VARCHAR(64) NOT NULL, 
	host VARCHAR(255) NOT NULL, 
	boot VARCHAR(64) NOT NULL, 
	pid INTEGER NOT NULL, 
	process_started DOUBLE NOT NULL, 
	lease_expires DOUBLE NOT NULL, 
	worker VARCHAR(255), 
	device VARCHAR(255), 
	device_seconds DOUBLE, 
	value DOUBLE, 
	started DOUBLE NOT NULL, 
	ended DOUBLE, 
	code_hash VARCHAR(64) NOT NULL, 
	data_hash VARCHAR(64) NOT NULL, 
	config_hash VARCHAR(64) NOT NULL, 
	environment JSON NOT NULL, 
	CONSTRAINT pk_trial_run PRIMARY KEY (id), 
	CONSTRAINT ck_trial_run_ck_trial_run_state CHECK (state IN ('running', 'complete', 'pruned', 'failed', 'retry', 'released')), 
	CONSTRAINT fk_trial_run_study_id_study_record FOREIGN KEY(study_id) REFERENCES study_record (study_id) ON DELETE CASCADE, 
	CONSTRAINT uq_trial_run_trial_id UNIQUE (trial_id)
);
INSERT INTO "trial_run" VALUES(1,1,1,0,'ddd30d91669bb749','fixed',0,'{"alpha": 0.5, "nine_class_weight": 0.2, "kl_weight": 0.1}','complete',1,NULL,NULL,NULL,1,'59f97d09-a0d5-4e31-8b0b-70765d615087','host-1','boot',1,10.0,1.79562385541498517995e+09,'worker-1','cpu',1.5,0.625,1.79562385541498517995e+09,1.79562385542999219893e+09,'m','d','c','{"packages": {"torch": "2"}}');
INSERT INTO "trial_run" VALUES(2,1,2,1,'89516c486f6edc80','uncertainty',0,'{"s_init": "zero", "lr_multiplier": 0.1}','pruned',1,NULL,NULL,NULL,1,'59f97d09-a0d5-4e31-8b0b-70765d615087','host-1','boot',1,10.0,1.79562385543598675725e+09,'worker-1','cpu',1.0,0.1,1.79562385543598675725e+09,1.795623855442987442e+09,'m','d','c','{"packages": {"torch": "2"}}');
INSERT INTO "trial_run" VALUES(3,1,3,2,'2b754b34328add9f','direct',0,'{"lr_multiplier": 0.1}','retry',1,'exception','ValueError: wrong','the log''s end',1,'59f97d09-a0d5-4e31-8b0b-70765d615087','host-1','boot',1,10.0,1.79562385544600486755e+09,'worker-1','cpu',NULL,NULL,1.79562385544600486755e+09,1.79562385545199966431e+09,'m','d','c','{"packages": {"torch": "2"}}');
INSERT INTO "trial_run" VALUES(4,1,4,3,'2b754b34328add9f','direct',0,'{"lr_multiplier": 0.1}','failed',2,'exception','ValueError: wrong','the log''s end',1,'59f97d09-a0d5-4e31-8b0b-70765d615087','host-1','boot',1,10.0,1.79562385545598268503e+09,'worker-1','cpu',NULL,NULL,1.79562385545598268503e+09,1.79562385546101188661e+09,'m','d','c','{"packages": {"torch": "2"}}');
INSERT INTO "trial_run" VALUES(5,1,5,4,'5133af806043c1d1','fixed',0,'{"alpha": 0.3, "nine_class_weight": 0.5, "kl_weight": 0.0}','released',1,'interrupted','stopped',NULL,1,'59f97d09-a0d5-4e31-8b0b-70765d615087','host-1','boot',1,10.0,1.79562385546398901934e+09,'worker-1','cpu',NULL,NULL,1.79562385546398901934e+09,1.79562385547199535366e+09,'m','d','c','{"packages": {"torch": "2"}}');
INSERT INTO "trial_run" VALUES(6,1,6,5,'5133af806043c1d1','fixed',0,'{"alpha": 0.3, "nine_class_weight": 0.5, "kl_weight": 0.0}','complete',1,NULL,NULL,NULL,1,'59f97d09-a0d5-4e31-8b0b-70765d615087','host-1','boot',1,10.0,1.79562385547400712969e+09,'worker-1','cpu',1.5,6.49999999999999911182e-01,1.79562385547400712969e+09,1.795623855482013464e+09,'m','d','c','{"packages": {"torch": "2"}}');
INSERT INTO "trial_run" VALUES(7,1,7,6,'c294bc2002469083','uncertainty',0,'{"s_init": "matched", "lr_multiplier": 10.0}','running',1,NULL,NULL,NULL,0,'59f97d09-a0d5-4e31-8b0b-70765d615087','host-1','boot',1,10.0,1.79562385548499083521e+09,'worker-1','cpu',NULL,NULL,1.79562385548499083521e+09,NULL,'m','d','c','{"packages": {"torch": "2"}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'arm','"fixed"');
INSERT INTO "trial_user_attributes" VALUES(2,1,'cell','"ddd30d91669bb749"');
INSERT INTO "trial_user_attributes" VALUES(3,1,'run','1');
INSERT INTO "trial_user_attributes" VALUES(4,2,'arm','"uncertainty"');
INSERT INTO "trial_user_attributes" VALUES(5,2,'cell','"89516c486f6edc80"');
INSERT INTO "trial_user_attributes" VALUES(6,2,'run','2');
INSERT INTO "trial_user_attributes" VALUES(7,3,'arm','"direct"');
INSERT INTO "trial_user_attributes" VALUES(8,3,'cell','"2b754b34328add9f"');
INSERT INTO "trial_user_attributes" VALUES(9,3,'run','3');
INSERT INTO "trial_user_attributes" VALUES(10,3,'cause','"exception"');
INSERT INTO "trial_user_attributes" VALUES(11,3,'reason','"ValueError: wrong"');
INSERT INTO "trial_user_attributes" VALUES(12,4,'arm','"direct"');
INSERT INTO "trial_user_attributes" VALUES(13,4,'cell','"2b754b34328add9f"');
INSERT INTO "trial_user_attributes" VALUES(14,4,'run','4');
INSERT INTO "trial_user_attributes" VALUES(15,4,'cause','"exception"');
INSERT INTO "trial_user_attributes" VALUES(16,4,'reason','"ValueError: wrong"');
INSERT INTO "trial_user_attributes" VALUES(17,5,'arm','"fixed"');
INSERT INTO "trial_user_attributes" VALUES(18,5,'cell','"5133af806043c1d1"');
INSERT INTO "trial_user_attributes" VALUES(19,5,'run','5');
INSERT INTO "trial_user_attributes" VALUES(20,5,'cause','"interrupted"');
INSERT INTO "trial_user_attributes" VALUES(21,5,'reason','"stopped"');
INSERT INTO "trial_user_attributes" VALUES(22,6,'arm','"fixed"');
INSERT INTO "trial_user_attributes" VALUES(23,6,'cell','"5133af806043c1d1"');
INSERT INTO "trial_user_attributes" VALUES(24,6,'run','6');
INSERT INTO "trial_user_attributes" VALUES(25,7,'arm','"uncertainty"');
INSERT INTO "trial_user_attributes" VALUES(26,7,'cell','"c294bc2002469083"');
INSERT INTO "trial_user_attributes" VALUES(27,7,'run','7');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,0.625,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,0.1,'FINITE');
INSERT INTO "trial_values" VALUES(3,6,0,6.49999999999999911182e-01,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-25 16:24:15.417286','2026-11-25 16:24:15.433648');
INSERT INTO "trials" VALUES(2,1,1,'PRUNED','2026-11-25 16:24:15.436967','2026-11-25 16:24:15.444364');
INSERT INTO "trials" VALUES(3,2,1,'FAIL','2026-11-25 16:24:15.447073','2026-11-25 16:24:15.454465');
INSERT INTO "trials" VALUES(4,3,1,'FAIL','2026-11-25 16:24:15.456727','2026-11-25 16:24:15.462560');
INSERT INTO "trials" VALUES(5,4,1,'FAIL','2026-11-25 16:24:15.464758','2026-11-25 16:24:15.473258');
INSERT INTO "trials" VALUES(6,5,1,'COMPLETE','2026-11-25 16:24:15.475549','2026-11-25 16:24:15.483584');
INSERT INTO "trials" VALUES(7,6,1,'RUNNING','2026-11-25 16:24:15.486043',NULL);
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
CREATE INDEX ix_trial_run_study_id_state ON trial_run (study_id, state);
CREATE UNIQUE INDEX ux_trial_run_held_cell ON trial_run (study_id, cell) WHERE state IN ('running', 'complete', 'pruned', 'failed');
COMMIT;
