% LR of made-up images by GNU Octave and its package image: an independent program.
% Run by tests/reference/degradations.py, in a folder with NAME.bin files of uint8,
% column-major (h, w, 3), and list.txt: name height width, one a line.
1;
function save_lr(rule, name, scale, lr)
  id = fopen([rule '-' name '-x' num2str(scale) '.out'], 'w');
  if isa(lr, 'uint8')
    fwrite(id, lr, 'uint8');
  else
    fwrite(id, lr, 'double');
  end
  fclose(id);
end

pkg load image
files = textread('list.txt', '%s');
for i = 1:3:numel(files)
  name = files{i};
  h = str2num(files{i + 1});
  w = str2num(files{i + 2});
  id = fopen([name '.bin']);
  hr = reshape(uint8(fread(id, h * w * 3)), h, w, 3);
  fclose(id);
  for scale = [2 3 4 8]
    cut = hr(1:end - mod(h, scale), 1:end - mod(w, scale), :);
    if scale == 3
      lr = imfilter(cut, fspecial('gaussian', 7, 1.6), 'replicate')(2:3:end, 2:3:end, :);
      save_lr('bd-rdn', name, scale, lr);
    else
      blurred = imfilter(cut, fspecial('gaussian', 12, 1.6), 'replicate');
      lr = blurred(scale / 2:scale:end - scale / 2, scale / 2:scale:end - scale / 2, :);
      save_lr('bd-basicvsr', name, scale, lr);
    end
    if scale < 8
      % scipy's Gaussian ends at int(4 sigma + 0.5); 'symmetric' without the edge pixel is DUF's
      % 'reflect'
      radius = floor(4 * 0.4 * scale + 0.5);
      kernel = fspecial('gaussian', 2 * radius + 1, 0.4 * scale);
      wide = cut([radius + 1:-1:2, 1:end, end - 1:-1:end - radius], ...
                 [radius + 1:-1:2, 1:end, end - 1:-1:end - radius], :);
      lr = imfilter(double(wide), kernel);
      lr = lr(1 + radius:scale:end - radius, 1 + radius:scale:end - radius, :);
      save_lr('bd-duf', name, scale, lr);
    end
    % the means of scale x 1, then of 1 x scale pixels, each rounded to uint8
    tall = imfilter(double(cut), ones(scale, 1) / scale, 'conv')(1 + floor((scale - 1) / 2):scale:end, :, :);
    tall = uint8(tall);
    lr = imfilter(double(tall), ones(1, scale) / scale, 'conv')(:, 1 + floor((scale - 1) / 2):scale:end, :);
    save_lr('box', name, scale, uint8(lr));
    save_lr('nearest', name, scale, imresize(cut, 1 / scale, 'nearest'));
  end
end
